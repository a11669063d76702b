// Makes the page from /openapi.json. Text of the document goes into the page as text only.

const api = await (await fetch("/openapi.json")).json();
const main = document.getElementById("document");
const contents = document.getElementById("contents");

// make makes an element: make("p", {class: "soft"}, "text", child, …).
function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

// prose gives a line's `code` and **bold** their elements.
function prose(text) {
  return text.split(/(`[^`]+`|\*\*[^*]+\*\*)/).map((part) => {
    if (part.startsWith("`")) return make("code", {}, part.slice(1, -1));
    if (part.startsWith("**")) return make("strong", {}, part.slice(2, -2));
    return part;
  });
}

function paragraphs(text = "") {
  return text.trim().split(/\n\s*\n/).filter(Boolean).map((paragraph) => make("p", {}, ...prose(paragraph)));
}

// follow gives what a $ref stands for, with what is written beside it.
function follow(node) {
  if (!node?.$ref) return node;
  const target = node.$ref.slice(2).split("/").reduce((at, key) => at[key], api);
  return { ...follow(target), ...node, $ref: undefined };
}

const schemaName = (schema) => schema.$ref?.split("/").pop();

// typeOf says in one line what a value is.
function typeOf(schema) {
  if (schemaName(schema)) return [make("a", { href: "#" + schemaName(schema) }, schemaName(schema))];
  if (schema.oneOf) return schema.oneOf.flatMap((choice, i) => (i ? [" or ", ...typeOf(choice)] : typeOf(choice)));
  if ("const" in schema) return [make("code", {}, JSON.stringify(schema.const))];
  if (schema.enum) return schema.enum.flatMap((value, i) => (i ? [" or ", make("code", {}, JSON.stringify(value))] : [make("code", {}, JSON.stringify(value))]));
  if (schema.type === "array") return ["array of ", ...typeOf(schema.items ?? { type: "anything" })];
  return [schema.title ?? [schema.type ?? "anything"].flat().join(" or ")];
}

function boundsOf(schema) {
  const { minimum, maximum, default: absent } = follow(schema);
  const bounds = minimum !== undefined && maximum !== undefined && maximum < 2 ** 53 - 1 ? ` ${minimum}..${maximum}` : "";
  return bounds + (absent === undefined ? "" : ` (absent: ${JSON.stringify(absent)})`);
}

function fieldTable(schema) {
  const rows = Object.entries(schema.properties ?? {}).map(([name, field]) =>
    make("tr", {},
      make("td", {}, make("code", {}, name), schema.required?.includes(name) ? "" : make("span", { class: "soft" }, " optional")),
      make("td", {}, ...typeOf(field), boundsOf(field)),
      make("td", {}, ...prose(field.description ?? ""))));
  return rows.length ? make("table", {}, ...rows) : null;
}

function schemaView(schema) {
  const tables = (schema.oneOf ?? []).filter((choice) => choice.properties).flatMap((choice) => [make("h4", {}, choice.title ?? ""), fieldTable(choice)]);
  const choices = schema.oneOf && !tables.length ? make("p", {}, "One of ", ...typeOf(schema)) : null;
  const plain = !schema.properties && !schema.oneOf ? make("p", {}, ...typeOf({ ...schema, title: undefined }), boundsOf(schema), schema.pattern ? make("code", {}, " " + schema.pattern) : "") : null;
  return [...paragraphs(schema.description), choices, plain, fieldTable(schema), ...tables, exampleOf(schema.example)];
}

const exampleOf = (example) => (example === undefined ? null : make("pre", {}, JSON.stringify(example, null, 2)));

function parameterTable(parameters) {
  const rows = parameters.map(follow).map((p) =>
    make("tr", {},
      make("td", {}, make("code", {}, p.name), make("span", { class: "soft" }, " " + p.in)),
      make("td", {}, ...typeOf(p.schema), boundsOf(p.schema)),
      make("td", {}, ...prose(p.description ?? ""))));
  return rows.length ? [make("h4", {}, "Parameters"), make("table", {}, ...rows)] : [];
}

function bodyView(requestBody) {
  const body = follow(requestBody);
  if (!body) return [];
  const { schema, example, examples } = body.content["application/json"];
  const named = Object.values(examples ?? {}).map((each) => exampleOf(each.value));
  return [make("h4", {}, body.required ? "Body" : "Body, optional"), ...paragraphs(body.description), make("p", {}, ...typeOf(schema)), exampleOf(example), ...named];
}

function answerTable(responses) {
  const rows = Object.entries(responses).map(([status, response]) => {
    const answer = follow(response);
    const schema = Object.values(answer.content ?? {})[0]?.schema;
    return make("tr", {},
      make("td", {}, make("code", {}, status)),
      make("td", {}, ...prose(answer.description)),
      make("td", {}, ...(schema && status < 400 ? typeOf(schema) : [])));
  });
  return [make("h4", {}, "Answers"), make("table", {}, ...rows)];
}

const methods = ["get", "post", "put", "patch", "delete"];

const operations = Object.entries(api.paths).flatMap(([path, item]) =>
  methods.filter((method) => item[method]).map((method) => ({ path, method, ...item[method], parameters: [...(item.parameters ?? []), ...(item[method].parameters ?? [])] })));

function operationView(operation) {
  const open = operation.security?.length === 0 ? make("span", { class: "soft" }, " without a token") : null;
  return make("section", {},
    make("h3", { id: operation.operationId }, make("span", { class: "method " + operation.method }, operation.method.toUpperCase()), " ", make("code", {}, operation.path), open),
    make("p", {}, make("strong", {}, operation.summary)),
    ...paragraphs(operation.description), ...parameterTable(operation.parameters), ...bodyView(operation.requestBody), ...answerTable(operation.responses));
}

function entry(id, ...text) {
  contents.append(make("a", { href: "#" + id }, ...text));
}

function heading(title, id) {
  main.append(make("h2", { id }, title));
  contents.append(make("h2", {}, title));
}

main.append(make("h1", {}, api.info.title + ": the HTTP API"), make("p", { class: "soft" }, api.info.summary), ...paragraphs(api.info.description),
  make("p", {}, "The same for programs: ", make("a", { href: "/openapi.yaml" }, "openapi.yaml"), ", ", make("a", { href: "/openapi.json" }, "openapi.json"), "."));

for (const tag of api.tags) {
  heading(tag.name, "tag-" + tag.name.toLowerCase());
  main.append(...paragraphs(tag.description));
  for (const operation of operations.filter((each) => each.tags.includes(tag.name))) {
    main.append(operationView(operation));
    entry(operation.operationId, operation.summary);
  }
}

heading("Errors", "errors");
const meanings = new Map();
for (const { description } of Object.values(api.components.responses)) {
  for (const [, code, meaning] of description.matchAll(/`(\w+)`: (.+?)(?= `\w+`:|$)/g)) {
    if (!meanings.has(code)) meanings.set(code, meaning);
  }
}
main.append(make("table", {}, ...api.components.schemas.Problem.properties.code.enum.map((code) =>
  make("tr", { id: code }, make("td", {}, make("code", {}, code)), make("td", {}, ...prose(meanings.get(code)))))));
entry("errors", "All codes");

heading("Schemas", "schemas");
for (const [name, schema] of Object.entries(api.components.schemas)) {
  main.append(make("h3", { id: name }, name), ...schemaView(schema).filter(Boolean));
  entry(name, name);
}

if (location.hash) document.getElementById(location.hash.slice(1))?.scrollIntoView();
