// Serves this folder for development and for the container: node serve.mjs [port]
// Only files a page can use are served, never the tests, tools or hidden files.
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL(".", import.meta.url));
const port = Number(process.argv[2] ?? 8000);
const host = process.env.HOST ?? "127.0.0.1";
const privateFolders = new Set(["node_modules", "reports", "tests", "tools"]);
const types = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".ico": "image/x-icon",
  ".jpg": "image/jpeg",
  ".js": "text/javascript; charset=utf-8",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".txt": "text/plain; charset=utf-8",
  ".webp": "image/webp",
  ".woff2": "font/woff2",
};

/** The file a request asks for, or null for what is not to be served. */
async function find(url) {
  const path = normalize(decodeURIComponent(new URL(url, "http://localhost").pathname));
  const segments = path.split("/").filter(Boolean);
  if (path.includes("\0") || segments.some((segment) => segment.startsWith(".")) || privateFolders.has(segments[0])) {
    return null;
  }
  const file = join(root, path.endsWith("/") ? join(path, "index.html") : path);
  const found = await stat(file);
  return found.isFile() && extname(file) in types ? { file, size: found.size } : null;
}

const server = createServer(async (request, response) => {
  if (request.method !== "GET" && request.method !== "HEAD") {
    response.writeHead(405, { Allow: "GET, HEAD" }).end();
    return;
  }
  const found = await find(request.url).catch(() => null);
  if (!found) {
    response.writeHead(404, { "Content-Type": types[".txt"] }).end("Not found\n");
    return;
  }
  response.writeHead(200, {
    "Content-Type": types[extname(found.file)],
    "Content-Length": found.size,
    "Cache-Control": "no-cache",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "X-Content-Type-Options": "nosniff",
  });
  if (request.method === "HEAD") {
    response.end();
  } else {
    createReadStream(found.file).on("error", () => response.destroy()).pipe(response);
  }
});

server.listen(port, host, () => {
  console.log(`Serving on http://${host}:${server.address().port}/`);
});
for (const signal of ["SIGINT", "SIGTERM"]) {
  process.on(signal, () => {
    server.closeAllConnections();
    server.close(() => process.exit(0));
  });
}
