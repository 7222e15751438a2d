import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { request } from "node:http";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";

/** Asks for a path exactly as written, which fetch would tidy first. */
function ask(port, path, method = "GET") {
  return new Promise((resolve, reject) => {
    const asked = request({ host: "127.0.0.1", port, path, method }, (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (part) => (body += part));
      response.on("end", () => resolve({ status: response.statusCode, headers: response.headers, body }));
    });
    asked.on("error", reject);
    asked.end();
  });
}

describe("the server", () => {
  let server;
  let port;

  before(async () => {
    const file = fileURLToPath(new URL("../serve.mjs", import.meta.url));
    server = spawn(process.execPath, [file, "0"], { stdio: ["ignore", "pipe", "inherit"] });
    port = await new Promise((resolve, reject) => {
      server.once("error", reject);
      server.once("exit", (code) => reject(new Error(`the server ended with ${code}`)));
      server.stdout.on("data", (text) => resolve(Number(/:(\d+)\//.exec(text)[1])));
    });
  });

  after(() => server.kill());

  it("serves the page and its styles with their types", async () => {
    const page = await ask(port, "/");
    assert.equal(page.status, 200);
    assert.equal(page.headers["content-type"], "text/html; charset=utf-8");
    assert.match(page.body, /^<!doctype html>/i);
    const styles = await ask(port, "/styles.css?v=1");
    assert.equal(styles.headers["content-type"], "text/css; charset=utf-8");
    assert.equal(styles.headers["x-content-type-options"], "nosniff");
  });

  it("answers HEAD without a body and refuses to be written to", async () => {
    const head = await ask(port, "/", "HEAD");
    assert.equal(head.status, 200);
    assert.equal(head.body, "");
    assert.equal((await ask(port, "/", "POST")).status, 405);
  });

  for (const path of [
    "/missing.html",
    "/../../../../etc/passwd",
    "/..%2f..%2f..%2fetc%2fpasswd",
    "/%2e%2e/%2e%2e/etc/passwd",
    "/.gitignore",
    "/.git/config",
    "/tests/serve.test.js",
    "/tools/check.mjs",
    "/%ff",
    "/index.html%00.txt",
    "/images",
    "/Dockerfile",
    "//etc/passwd",
  ]) {
    it(`does not serve ${path}`, async () => {
      assert.equal((await ask(port, path)).status, 404);
    });
  }
});
