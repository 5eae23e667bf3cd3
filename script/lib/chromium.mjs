// How every test in a browser starts Chromium (see `script/lib/still-chromium`): with nothing of its own on the network,
// and as root too.
export const launchOptions = {
  executablePath: process.env.MINICLOUD_CHROMIUM ?? "/usr/bin/chromium",
  args: [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ],
};
