// How the portal is built. `npm run dev` and `npm run preview` answer its requests from the mock; with
// BERTH_AT=https://localhost:8443 they pass them on to a running server instead.
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';
import { contentSecurityPolicy } from './mock/headers';
import { mock } from './mock/plugin';

const server = process.env['BERTH_AT'];
const passOn = server
  ? { '^/(berth|subscriptions|providers)/': { target: server, changeOrigin: true, secure: false, headers: { origin: server } } }
  : undefined;

export default defineConfig({
  plugins: [react(), ...(server ? [] : [mock()])],
  server: { port: 5173, proxy: passOn },
  preview: { port: 4173, proxy: passOn, headers: { 'Content-Security-Policy': contentSecurityPolicy } },
  build: {
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rollupOptions: {
      output: {
        manualChunks(id) {
          if (/node_modules\/(react|react-dom|scheduler)\//.test(id)) return 'react';
          if (id.includes('@tanstack') || id.includes('wouter')) return 'data';
          return undefined;
        },
      },
    },
  },
  test: { include: ['src/**/*.test.ts', 'mock/**/*.test.ts'], environment: 'node' },
});
