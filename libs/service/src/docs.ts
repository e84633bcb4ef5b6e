import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { Server } from './fastify.ts';

/** The description of a service's API in `/openapi.json` and `/docs`. */
export interface Api {
  title: string;
  /** Markdown, shown above the operations. */
  description: string;
  /** Groups of operations by name, with their descriptions, in the order of the page. */
  tags?: Record<string, string>;
}

/** Named by `security` of the operations, if the service needs access tokens. */
const securitySchemes = { accessToken: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } } as const;

// The page uses scripts and styles of this origin and images in data URLs, and calls only this API.
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

// The catalogue page's icon and accent (libs/page).
const accent = '#1f5f8b';
const icon =
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="${accent}"/>` +
  '<path d="M8 10h16M8 16h16M8 22h10" stroke="#fff" stroke-width="3" stroke-linecap="round"/></svg>';
const style = `.swagger-ui .info .title { color: ${accent}; padding-left: 48px; background: url(icon.svg) 0 / 36px no-repeat }
.swagger-ui .info a, .swagger-ui .opblock-tag { color: ${accent} }
.swagger-ui .btn.execute { background: ${accent}; border-color: ${accent} }`;

/** Serves the OpenAPI document of all routes added later at `/openapi.json`, and a page to try them at `/docs`. */
export async function describeApi(
  app: Server,
  { title, description, tags = {} }: Api,
  needsTokens: boolean,
): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title, description, version: '1.0.0' },
      ...(needsTokens && { components: { securitySchemes } }),
      tags: Object.entries(tags).map(([name, about]) => ({ name, description: about })),
    },
    refResolver: {
      buildLocalReference: (json, _base, _fragment, i) => (json['$id'] as string | undefined) ?? `def-${i}`,
    },
  });
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    staticCSP: policy,
    transformSpecification: (document) => withoutParameterExamples(document as ApiDocument),
    // Omits the top bar: its logo has an inline style, which the policy forbids.
    uiConfig: { layout: 'BaseLayout' },
    theme: {
      title,
      css: [{ filename: 'catalogue.css', content: style }],
      favicon: [{ filename: 'icon.svg', rel: 'icon', type: 'image/svg+xml', sizes: 'any', content: icon }],
    },
  });
  app.get('/openapi.json', { schema: { hide: true } }, () => app.swagger());
}

interface Examples {
  example?: unknown;
  examples?: unknown;
}
interface ApiDocument {
  paths: Record<string, Record<string, { parameters?: (Examples & { schema: Examples })[] }>>;
}

/**
 * Removes the examples of parameters. The page would send them: with the example's key, version or token, the request
 * is refused.
 */
function withoutParameterExamples(document: ApiDocument): ApiDocument {
  const operations = Object.values(document.paths).flatMap((path) => Object.values(path));
  for (const parameter of operations.flatMap(({ parameters = [] }) => parameters))
    for (const described of [parameter, parameter.schema]) {
      delete described.example;
      delete described.examples;
    }
  return document;
}
