/** Icons come in as the text of their SVG file (esbuild's `text` loader). */
declare module "*.svg" {
  const text: string;
  export default text;
}
/** Style sheets go beside the bundle as `mc-terminal.css`. */
declare module "*.css" {}
