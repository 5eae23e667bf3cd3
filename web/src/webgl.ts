/** Whether WebGL is worth using: in software it is slower than the DOM, and warns on the console. */

const SOFTWARE = /swiftshader|llvmpipe|softpipe|software|basic render/i;

export function hasFastWebgl(): boolean {
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("webgl2", { failIfMajorPerformanceCaveat: true });
  if (context === null) return false;
  const renderer = rendererOf(context);
  context.getExtension("WEBGL_lose_context")?.loseContext();
  return !SOFTWARE.test(renderer);
}

/** Firefox and Safari name the renderer directly, Chromium only through an extension. */
function rendererOf(context: WebGL2RenderingContext): string {
  const name = String(context.getParameter(context.RENDERER));
  if (name !== "WebKit WebGL") return name;
  const info = context.getExtension("WEBGL_debug_renderer_info");
  return info === null ? name : String(context.getParameter(info.UNMASKED_RENDERER_WEBGL));
}
