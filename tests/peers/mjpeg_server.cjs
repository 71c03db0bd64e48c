// A web server that streams with the npm package mjpeg-server. Tells its port in one line of JSON; each line of JSON
// that comes in, {"jpeg": "…"} in base64, is a picture for everybody who looks, and the answer is how many those are.
const http = require("http");
const mjpeg = require("mjpeg-server");
const { serve } = require("./serve.cjs");

const watching = new Set();
const server = http.createServer((request, response) => {
  const stream = mjpeg.createReqHandler(request, response);
  response.flushHeaders();
  watching.add(stream);
  request.on("close", () => watching.delete(stream));
});
server.listen(0, "127.0.0.1", () =>
  serve({ port: server.address().port }, ({ jpeg }) => {
    for (const stream of watching) stream.write(Buffer.from(jpeg, "base64"));
    return watching.size;
  }),
);
