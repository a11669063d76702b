// The server, built once for all tests.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";

declare module "vitest" {
  interface ProvidedContext {
    binary: string;
  }
}

export default function setup(project: TestProject) {
  const folder = mkdtempSync(join(tmpdir(), "doran-web-"));
  const binary = join(folder, "doran");
  execFileSync("go", ["build", "-o", binary, "./cmd/doran"], { cwd: new URL("../../..", import.meta.url), stdio: "inherit" });
  project.provide("binary", binary);
  return () => rmSync(folder, { recursive: true });
}
