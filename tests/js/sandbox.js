// Starts `deskclerk sandbox` on a free port, in a home of its own.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

const freePort = () =>
  new Promise((resolve) => {
    const probe = createServer().listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });

export const startSandbox = async () => {
  const home = mkdtempSync(join(tmpdir(), "deskclerk-js-"));
  const port = await freePort();
  const command = process.env.DESKCLERK ?? "deskclerk";
  const server = spawn(command, ["sandbox", "--port", String(port), "--db", join(home, "sandbox.db")], {
    env: { ...process.env, DESKCLERK_HOME: home },
    stdio: ["ignore", "ignore", "inherit"],
  });
  const apiUrl = `http://127.0.0.1:${port}`;
  for (let tries = 0; tries < 150; tries += 1) {
    const answered = await fetch(`${apiUrl}/v1/users`).catch(() => null);
    if (answered) break;
    await pause(100);
  }
  const stop = () => {
    server.kill();
    rmSync(home, { recursive: true, force: true });
  };
  return { apiUrl, stop };
};
