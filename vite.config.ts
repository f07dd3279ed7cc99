import { defineConfig } from 'vite';

/**
 * Builds the page into the folder of the compiled server, which serves it. Nothing is inlined, as the server's content
 * security policy allows no inline script and no `data:` style.
 */
export default defineConfig({
  root: 'serve/dashboard',
  base: './',
  build: {
    outDir: '../../dist/serve/dashboard',
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: 'es2023',
  },
  server: { proxy: { '/v1': 'http://127.0.0.1:8080' } },
});
