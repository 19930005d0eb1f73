import 'vuetify/styles'
import './style.css'
import { createPinia } from 'pinia'
import { createApp } from 'vue'
import App from './App.vue'
import { i18n } from './i18n'
import { vuetify } from './plugins'
import { router } from './router'

createApp(App).use(createPinia()).use(i18n).use(vuetify).use(router).mount('#app')
