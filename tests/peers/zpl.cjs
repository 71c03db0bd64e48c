// Draws a label by the npm package zpl-renderer-js (Ingrid's zebrash as WebAssembly): {"zpl", "width_mm", "height_mm",
// "dots_per_mm"} in, a list of pictures out, each a PNG in base 64.
const { ready } = require("zpl-renderer-js");

const main = async () => {
  const { api } = await ready;
  let text = "";
  for await (const part of process.stdin) text += part;
  const { zpl, width_mm, height_mm, dots_per_mm } = JSON.parse(text);
  const pictures = await api.zplToBase64MultipleAsync(zpl, width_mm, height_mm, dots_per_mm);
  process.stdout.write(JSON.stringify(pictures), () => process.exit(0));
};
main().catch((error) => {
  console.error(error);
  process.exit(1);
});
