// Runs the test files it is given in one process, each test in a context of its own in one browser.

const { after } = require("node:test");
const { chromium } = require("playwright-core");

const launch = chromium.launch.bind(chromium);
let one;

chromium.launch = async (options) => {
  one ??= launch(options);
  const context = await (await one).newContext();
  return { newPage: () => context.newPage(), close: () => context.close() };
};

after(async () => (await one).close());

for (const file of process.argv.slice(2)) require(`${process.cwd()}/${file}`);
