/** The OpenAPI document as one plain page: no script, nothing fetched from elsewhere. */
interface Doc {
  info: { title: string; version: string; description?: string | undefined }
  paths?: object | undefined
}

export function documentPage(doc: Doc): string {
  const routes = Object.entries(
    (doc.paths ?? {}) as Record<string, Record<string, { summary?: string; 'x-kind'?: string }>>,
  )
    .flatMap(([path, methods]) => Object.entries(methods).map(([method, about]) => ({ path, method, ...about })))
    .map(
      ({ path, method, summary, 'x-kind': kind }) =>
        `<tr><td><code>${escape(method.toUpperCase())}</code></td><td><code>${escape(path)}</code></td><td>${escape(summary ?? '')}</td><td>${escape(kind ?? '')}</td></tr>`,
    )
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escape(doc.info.title)} API</title><style>
:root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:72rem;padding:0 1rem}
table{border-collapse:collapse;width:100%}td,th{border-bottom:1px solid #8884;padding:.4rem .6rem;text-align:left;vertical-align:top}
.scroll{overflow-x:auto}</style></head><body><h1>${escape(doc.info.title)} API ${escape(doc.info.version)}</h1>
<p>${escape(doc.info.description ?? '')} The document itself is at <a href="/openapi.json">/openapi.json</a>.</p>
<div class="scroll"><table><thead><tr><th>Method</th><th>Path</th><th>What</th><th>Kind</th></tr></thead><tbody>${routes.join('')}</tbody></table></div></body></html>`
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`)
}
