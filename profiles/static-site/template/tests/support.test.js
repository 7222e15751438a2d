import assert from "node:assert/strict";
import { test } from "node:test";
import { parseHtml } from "./support/html.js";

test("HTML is read into a tree with text, attributes and entities", () => {
  const { document, errors } = parseHtml('<!doctype html><p id="a" class="x y">1 &lt; 2<br>&#169; <b>now</b></p><!-- <i> -->');
  assert.deepEqual(errors, []);
  const paragraph = document.getElementById("a");
  assert.equal(paragraph.textContent, "1 < 2© now");
  assert.equal(document.querySelectorAll("i").length, 0);
  assert.equal(document.querySelector("p.y > b").textContent, "now");
});

test("what is not well-formed is named with its line", () => {
  const { errors } = parseHtml("<main>\n<p>text</main>\n<div id=a id=b>");
  assert.deepEqual(errors.map((error) => error.line), [2, 3, 3]);
});

test("selectors match tags, attributes, lists and combinators", () => {
  const { document } = parseHtml('<ul><li data-a="one two">1</li><li hidden>2</li></ul><p>3</p>');
  const texts = (selector) => document.querySelectorAll(selector).map((element) => element.textContent);
  assert.deepEqual(texts('ul [data-a~="two"], p'), ["1", "3"]);
  assert.deepEqual(texts("li:not([hidden])"), ["1"]);
  assert.deepEqual(texts("li + li"), ["2"]);
  assert.deepEqual(texts("ul ~ p"), ["3"]);
  assert.throws(() => texts("li:hover"), SyntaxError);
});

test("events travel up and can be prevented", () => {
  const { document } = parseHtml('<form><button>Send</button></form>');
  const seen = [];
  document.querySelector("form").addEventListener("submit", (event) => {
    seen.push(event.type, event.target.localName);
    event.preventDefault();
  });
  document.querySelector("button").click();
  assert.deepEqual(seen, ["submit", "form"]);
  assert.deepEqual(document.submitted, []);
});
