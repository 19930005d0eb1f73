import { fileURLToPath } from 'node:url'
import vue from '@vitejs/plugin-vue'
import { defineConfig } from 'vitest/config'

// Where `npm run dev` finds the Go server.
const backend = process.env.CARILLON_BACKEND ?? 'http://localhost:8080'

export default defineConfig({
  plugins: [vue()],
  resolve: {
    alias: { '@': fileURLToPath(new URL('./src', import.meta.url)) },
  },
  define: {
    // The conferencing SDK still reads this name of the bundlers of its time.
    global: 'globalThis',
    __VUE_OPTIONS_API__: 'true', // Vuetify's components use it
    __VUE_I18N_FULL_INSTALL__: 'true',
    __VUE_I18N_LEGACY_API__: 'false',
    __INTLIFY_PROD_DEVTOOLS__: 'false',
  },
  build: {
    target: 'es2022',
    // Emptying dist also deletes the committed dist/.gitkeep that Go's embed needs; public/.gitkeep
    // puts it back, since everything in public/ is copied.
    emptyOutDir: true,
    chunkSizeWarningLimit: 1500,
  },
  server: {
    proxy: {
      '/auth': backend,
      '/graphql': { target: backend, ws: true },
      '/signal': { target: backend, ws: true },
    },
  },
  test: {
    environment: 'happy-dom',
    include: ['tests/**/*.test.ts'],
    server: { deps: { inline: ['vuetify'] } },
    restoreMocks: true,
  },
})
