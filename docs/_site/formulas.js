// Typesets the formulas of the built site, so that its pages need no script for them, and a formula with a mistake
// ends the build.
//
//     node docs/_site/formulas.js build/site build/katex/node_modules/katex

const fs = require("fs");
const path = require("path");

const [site, package_] = process.argv.slice(2);
const katex = require(path.resolve(package_));
const formula = /<(span|div) class="arithmatex">\\([([])([\s\S]*?)\\[)\]]<\/\1>/g;
const characters = { "&lt;": "<", "&gt;": ">", "&quot;": '"', "&amp;": "&" };

let count = 0;
for (const file of fs.readdirSync(site, { recursive: true })) {
  if (!file.endsWith(".html")) continue;
  const page = path.join(site, file);
  const text = fs.readFileSync(page, "utf8");
  const typeset = text.replace(formula, (whole, tag, bracket, tex) => {
    count += 1;
    const source = tex.replace(/&(?:lt|gt|quot|amp);/g, (name) => characters[name]);
    try {
      const html = katex.renderToString(source, { displayMode: bracket === "[", strict: "error" });
      return `<${tag} class="arithmatex">${html}</${tag}>`;
    } catch (error) {
      console.error(`${file}: ${error.message}`);
      process.exitCode = 1;
      return whole;
    }
  });
  if (typeset !== text) fs.writeFileSync(page, typeset);
}
console.log(`${count} formulas`);
