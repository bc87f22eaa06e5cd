/** What GitHub's OpenAPI description says of requests and responses, enforced. */
import { readFileSync } from "node:fs";
import { Ajv, type ValidateFunction } from "ajv";
import addFormats from "ajv-formats";

type Json = Record<string, unknown>;

interface Operation {
  readonly parameters: readonly {
    readonly name: string;
    readonly in: string;
    readonly required?: boolean;
    readonly schema: Json;
  }[];
  readonly request?: Json;
  readonly responses: Readonly<Record<string, Json | null>>;
}

const description = JSON.parse(readFileSync(new URL("./openapi-subset.json", import.meta.url), "utf8")) as {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Json>> };
};

const ajv = new Ajv({ strict: false, allErrors: false, coerceTypes: false });
addFormats.default(ajv);
ajv.addSchema({ $id: "github", ...description });
const coercing = new Ajv({ strict: false, coerceTypes: true });
addFormats.default(coercing);

const compiled = new Map<string, ValidateFunction>();
function validator(pointer: string): ValidateFunction {
  let found = compiled.get(pointer);
  if (found === undefined) {
    found = ajv.compile({ $ref: `github#${pointer}` });
    compiled.set(pointer, found);
  }
  return found;
}

const compiledParameters = new Map<Json, ValidateFunction>();
function ofParameter(schema: Json): ValidateFunction {
  const found =
    compiledParameters.get(schema) ??
    coercing.compile({ type: "object", properties: { value: inline(schema) } });
  compiledParameters.set(schema, found);
  return found;
}

const routes = Object.entries(description.paths).flatMap(([template, methods]) =>
  Object.keys(methods).map((method) => ({
    method: method.toUpperCase(),
    template,
    names: [...template.matchAll(/\{([^}]+)\}/g)].map(([, name]) => name ?? ""),
    pattern: new RegExp(`^${template.replace(/\{[^}]+\}/g, "([^/]+)")}$`),
  })),
);

/** A request that the description knows: its operation, as `GET /repos/{owner}/{repo}`, and what stands in its path. */
export interface Route {
  readonly operation: string;
  readonly parameters: Readonly<Record<string, string>>;
}

/** The operation of a request; null when the description has none. */
export function routeOf(method: string, path: string): Route | null {
  for (const route of routes) {
    const match = route.method === method ? route.pattern.exec(path) : null;
    if (match === null) continue;
    const values = match.slice(1).map(decodeURIComponent);
    const parameters = Object.fromEntries(route.names.map((name, index) => [name, values[index] ?? ""]));
    return { operation: `${method} ${route.template}`, parameters };
  }
  return null;
}

function find(operation: string): { readonly pointer: string; readonly found: Operation } {
  const [method = "", template = ""] = operation.split(" ");
  const found = description.paths[template]?.[method.toLowerCase()];
  if (found === undefined) throw new Error(`the description has no ${operation}`);
  const escaped = encodeURIComponent(template.replaceAll("~", "~0").replaceAll("/", "~1"));
  return { pointer: `/paths/${escaped}/${method.toLowerCase()}`, found };
}

/** What is wrong with a request; null when GitHub's description allows it. */
export function requestFault(
  { operation, parameters }: Route,
  query: URLSearchParams,
  body: unknown,
): string | null {
  const { pointer, found } = find(operation);
  const known = new Map(found.parameters.map((parameter) => [parameter.name, parameter]));
  for (const name of query.keys()) {
    if (known.get(name)?.in !== "query") return `${operation} takes no query parameter ${name}`;
  }
  for (const parameter of found.parameters) {
    const value = parameter.in === "path" ? parameters[parameter.name] : query.get(parameter.name);
    if (parameter.in !== "path" && parameter.in !== "query") continue;
    if (value === null || value === undefined) {
      if (parameter.required) return `${operation} requires ${parameter.name}`;
      continue;
    }
    const validate = ofParameter(parameter.schema);
    if (!validate({ value })) return `${parameter.name}: ${coercing.errorsText(validate.errors)}`;
  }
  if (found.request === undefined) return body === undefined ? null : `${operation} takes no body`;
  const validate = validator(`${pointer}/request`);
  if (!validate(body ?? {})) return `${operation}: ${ajv.errorsText(validate.errors)}`;
  const properties = (inline(found.request).properties ?? {}) as Json;
  const unknown = Object.keys((body ?? {}) as Json).filter((key) => !(key in properties));
  return unknown.length === 0 ? null : `${operation} takes no ${unknown.join(", ")}`;
}

/** What is wrong with a response of ours; null when it is as GitHub describes it. */
export function responseFault({ operation }: Route, status: number, body: unknown): string | null {
  if (status >= 300) return null;
  const { pointer, found } = find(operation);
  if (!(status in found.responses)) return `${operation} never answers ${status}`;
  if (found.responses[status] === null) return null;
  const validate = validator(`${pointer}/responses/${status}`);
  return validate(body) ? null : `${operation} ${status}: ${ajv.errorsText(validate.errors)}`;
}

function inline(schema: Json): Json {
  if (typeof schema.$ref !== "string") return schema;
  return description.components.schemas[schema.$ref.split("/").at(-1) ?? ""] ?? {};
}

/** A response with the values given, and whatever else the description requires. */
export function complete({ operation }: Route, status: number, values: unknown): unknown {
  const schema = find(operation).found.responses[status];
  return schema ? fill(schema, values) : values;
}

function fill(given: Json, values: unknown): unknown {
  const schema = inline(given);
  if (values === null) return null;
  if (values === undefined && schema.nullable === true) return null;
  const alternatives = (schema.oneOf ?? schema.anyOf) as Json[] | undefined;
  if (alternatives !== undefined && schema.type === undefined) {
    if (values === undefined && alternatives.some(({ type }) => type === "null")) return null;
    return fill(alternatives[0] ?? {}, values);
  }
  if (Array.isArray(schema.allOf)) {
    return (schema.allOf as Json[]).reduce((result: unknown, part) => fill(part, result), values);
  }
  if (Array.isArray(values))
    return values.map((value) => fill((schema.items as Json | undefined) ?? {}, value));
  if (schema.type === "object" || schema.properties !== undefined) {
    const properties = (schema.properties ?? {}) as Record<string, Json>;
    const result: Json = { ...((values ?? {}) as Json) };
    for (const name of (schema.required ?? []) as string[]) result[name] ??= undefined;
    for (const name of Object.keys(result)) result[name] = fill(properties[name] ?? {}, result[name]);
    return result;
  }
  return values === undefined ? sample(schema) : values;
}

function sample(schema: Json): unknown {
  if (Array.isArray(schema.enum)) return schema.enum[0];
  switch (schema.type) {
    case "integer":
    case "number":
      return 1;
    case "boolean":
      return false;
    case "array":
      return [];
    case "string":
      if (schema.format === "uri") return "https://github.example/";
      return schema.format === "date-time" ? "2026-01-01T00:00:00Z" : "x";
    default:
      return {};
  }
}
