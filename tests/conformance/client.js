// The TypeScript SDK's client, old line (v1) or new (v2), told on its command line what to do:
//
//   {sdk, era, url | command, env, answer, calls: [[tool, arguments], …]}
//
// `answer` is what the person before its dialogue fills in; without one it has no dialogue. Each result is
// one line on stdout; the first line tells which revision was agreed on, and how many tools there are.
import * as v1 from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport as Stdio1 } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport as Http1 } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { ElicitRequestSchema } from "@modelcontextprotocol/sdk/types.js";
import * as v2 from "@modelcontextprotocol/client";
import { StdioClientTransport as Stdio2 } from "@modelcontextprotocol/client/stdio";

const { sdk, era, url, command, env, token, answer, calls } = JSON.parse(process.argv[2]);
const say = (value) => process.stdout.write(JSON.stringify(value) + "\n");

const capabilities = answer ? { elicitation: {} } : {};
const options = sdk === "v1" ? { capabilities } : { capabilities, versionNegotiation: { mode: era } };
const client = new (sdk === "v1" ? v1 : v2).Client({ name: `typescript-${sdk}`, version: "0" }, options);
const asked = [];
if (answer) {
  const respond = async (request) => {
    asked.push(request.params.message);
    return { action: "accept", content: answer };
  };
  client.setRequestHandler(sdk === "v1" ? ElicitRequestSchema : "elicitation/create", respond);
}

const Http = sdk === "v1" ? Http1 : v2.StreamableHTTPClientTransport;
const Stdio = sdk === "v1" ? Stdio1 : Stdio2;
const transport = url
  ? new Http(new URL(url), { requestInit: { headers: { Authorization: `Bearer ${token}` } } })
  : new Stdio({ command: command[0], args: command.slice(1), env, stderr: "inherit" });

// The old line tells it to the transport alone, and to that of stdio not even so.
let agreed;
const tell = transport.setProtocolVersion?.bind(transport);
transport.setProtocolVersion = (version) => {
  agreed = version;
  tell?.(version);
};

await client.connect(transport);
const { tools } = await client.listTools();
say({ version: sdk === "v1" ? agreed : client.getNegotiatedProtocolVersion(), tools: tools.length });
for (const [name, given] of calls) {
  const result = await client.callTool({ name, arguments: given });
  say({ error: result.isError ?? false, text: result.content[0].text, value: result.structuredContent });
}
say({ asked });
await client.close();
