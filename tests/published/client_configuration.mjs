// What a client of MCP bundles starts: node client_configuration.mjs FOLDER SETTINGS (JSON), by mcpb's own code.
import { readFileSync } from "node:fs";
import { getMcpConfigForManifest } from "../../packaging/node_modules/@anthropic-ai/mcpb/dist/node.js";

const [folder, settings] = process.argv.slice(2);
const found = await getMcpConfigForManifest({
  manifest: JSON.parse(readFileSync(`${folder}/manifest.json`, "utf8")),
  extensionPath: folder,
  systemDirs: {},
  userConfig: JSON.parse(settings),
  pathSeparator: "/",
});
console.log(JSON.stringify(found));
