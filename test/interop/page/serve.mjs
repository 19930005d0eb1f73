// Bundles the page with one version of the SDK and serves it from an origin other than the server's,
// as applications that change only their endpoint do.
import { createServer } from 'node:http'
import { once } from 'node:events'
import { build } from 'esbuild'

// The SDK depends on clients of other services, which look for files and sockets that a page does not have.
const withoutNode = {
  name: 'without-node',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^(node:.*|fs|fs\/promises|http|https|http2|os|path|crypto|child_process|stream|buffer|process|url|util|zlib|async_hooks|tls|net)$/ }, (a) => ({ path: a.path, namespace: 'none' }))
    onLoad({ filter: /.*/, namespace: 'none' }, () => ({ contents: 'module.exports = {}' }))
  },
}

export async function servePage(packageName) {
  const { outputFiles } = await build({
    entryPoints: [new URL('page.mjs', import.meta.url).pathname],
    absWorkingDir: new URL('../..', import.meta.url).pathname,
    plugins: [withoutNode],
    alias: { 'chime-sdk': packageName },
    bundle: true, write: false, format: 'iife', define: { global: 'globalThis' }, logLevel: 'error',
  })
  const script = outputFiles[0].text
  const server = createServer((request, response) => {
    if (request.url === '/page.js') return response.setHeader('content-type', 'text/javascript').end(script)
    response.setHeader('content-type', 'text/html').end('<!doctype html><meta charset="utf-8"><title>call</title><audio autoplay></audio><script src="/page.js"></script>')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { url: `http://127.0.0.1:${server.address().port}/`, close: () => server.close() }
}
