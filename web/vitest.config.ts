import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const client = fileURLToPath(new URL("../clients/typescript/src/index.ts", import.meta.url));

export default defineConfig({
  resolve: { alias: { "doran-client": client } },
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  test: { include: ["test/*.test.ts"], globalSetup: "test/support/build.ts", fileParallelism: false, testTimeout: 60_000, hookTimeout: 60_000, retry: 0 },
});
