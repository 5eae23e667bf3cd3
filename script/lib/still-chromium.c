/* Loaded into the tests' Chromium (see `still-chromium`): it asks the kernel for no news of network interfaces. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <linux/netlink.h>
#include <sys/socket.h>

typedef int (*bind_fn)(int, const struct sockaddr *, socklen_t);

/* A netlink socket hears of what it named as groups when it was bound; with none, what it asks for is answered still. */
int bind(int fd, const struct sockaddr *addr, socklen_t len) {
  bind_fn next = (bind_fn)dlsym(RTLD_NEXT, "bind");
  if (len != sizeof(struct sockaddr_nl) || addr->sa_family != AF_NETLINK) return next(fd, addr, len);
  struct sockaddr_nl still = *(const struct sockaddr_nl *)addr;
  still.nl_groups = 0;
  return next(fd, (const struct sockaddr *)&still, len);
}
