import { createRouter, createWebHistory, type RouteLocationNormalized } from 'vue-router'
import { i18n } from '@/i18n'
import { useSession } from '@/stores/session'

declare module 'vue-router' {
  interface RouteMeta {
    /** Who may see the page; everybody when not given. */
    access?: 'signed-in' | 'signed-out'
    /** Message key of the page's title. */
    title?: string
    /** Without the bar on top: the page uses the whole window. */
    bare?: boolean
  }
}

export const router = createRouter({
  history: createWebHistory(),
  routes: [
    {
      path: '/',
      name: 'meetings',
      component: () => import('@/views/MeetingListView.vue'),
      meta: { access: 'signed-in', title: 'list.title' },
    },
    {
      path: '/m/:id',
      name: 'meeting',
      component: () => import('@/views/MeetingView.vue'),
      props: true,
      meta: { access: 'signed-in', bare: true },
    },
    {
      path: '/profile',
      name: 'profile',
      component: () => import('@/views/ProfileView.vue'),
      meta: { access: 'signed-in', title: 'profile.title' },
    },
    {
      path: '/sign-in',
      name: 'sign-in',
      component: () => import('@/views/SignInView.vue'),
      meta: { access: 'signed-out', title: 'signIn.title' },
    },
    {
      path: '/sign-up',
      name: 'sign-up',
      component: () => import('@/views/SignUpView.vue'),
      meta: { access: 'signed-out', title: 'signUp.title' },
    },
    {
      path: '/:rest(.*)*',
      name: 'not-found',
      component: () => import('@/views/NotFoundView.vue'),
      meta: { title: 'notFound.title' },
    },
  ],
})

router.beforeEach(async (to) => {
  const session = useSession()
  // Without an answer from the server App shows that it is away, and asks again.
  if (!session.loaded) await session.load().catch(() => undefined)
  if (!session.loaded) return true
  if (to.meta.access === 'signed-in' && !session.account) return { name: 'sign-in', query: { next: to.fullPath } }
  if (to.meta.access === 'signed-out' && session.account) return afterSignIn(to)
  return true
})

router.afterEach((to) => {
  setTitle(to.meta.title && i18n.global.t(to.meta.title))
})

/** The window's title: the page first, then the program. */
export function setTitle(page: string | undefined): void {
  document.title = page ? `${page} · Carillon` : 'Carillon'
}

/** Where to go after signing in: the page that was asked for, if it is one of ours. */
export function afterSignIn(from: Pick<RouteLocationNormalized, 'query'>): string {
  const { next } = from.query
  // "//host" and "/\host" would leave this site.
  return typeof next === 'string' && /^\/(?![/\\])/.test(next) ? next : '/'
}
