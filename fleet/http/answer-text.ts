import { safeEncode } from 'zod';
import type { Route } from './route.ts';

/** What is sent; null where an answer has no body. Throws for what is not as the route's schema says. */
export function answerText({ method, path, status, shapes }: Route, value: unknown): string | null {
  if (status === 204) return null;
  const written = safeEncode(shapes.answer, value);
  if (!written.success) throw new Error(`${method} ${path} gives an answer that breaks its schema: ${written.error.message}`);
  return JSON.stringify(written.data);
}
