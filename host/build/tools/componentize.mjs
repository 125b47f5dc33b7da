// Makes a component: node componentize.mjs TOOL ENTRY WIT WORLD OUTPUT
import { writeFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";

const [tool, sourcePath, witPath, worldName, output] = process.argv.slice(2);
const inTool = (path) => import(pathToFileURL(`${tool}/node_modules/@bytecodealliance/componentize-js/${path}`));
const { splicer } = await inTool("lib/spidermonkey-embedding-splicer.js");
const { componentize } = await inTool("src/componentize.js");

// The bindings use the class of every resource that is imported, but declare those with methods alone.
const { spliceBindings } = splicer;
splicer.spliceBindings = (...of) => {
  const spliced = spliceBindings(...of);
  const { jsBindings } = spliced;
  const used = new Set(jsBindings.match(/\bimport_\w+\$\w+(?=\.prototype\b)/g));
  const undeclared = [...used].filter((name) => !jsBindings.includes(`class ${name} `));
  return { ...spliced, jsBindings: undeclared.map((name) => `class ${name} {}\n`).join("") + jsBindings };
};

try {
  const { component } = await componentize({
    sourcePath,
    witPath,
    worldName,
    disableFeatures: ["random", "stdio", "clocks", "http", "fetch-event"],
  });
  await writeFile(output, component);
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
