import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { FleetFault } from '../http/fault.ts';

export type Scrypt = (password: string, salt: Buffer, length: number, options: ScryptOptions) => Promise<Buffer>;

export interface Passwords {
  hash(password: string): Promise<string>;
  /** Does the same work where there is nothing to compare with (null): who asks cannot tell a user that exists by the time. */
  verify(password: string, stored: string | null): Promise<boolean>;
}

/** About 80 ms and 32 MiB each on one core of 2024. */
const COST = { ln: 15, r: 8, p: 1 };
const SALT_BYTES = 16;
const HASH_BYTES = 32;
/** 128 * N * r is what scrypt needs; the double leaves room for its own. */
const MAX_MEMORY = 64 * 1024 * 1024;
/** libuv has four threads, which files and name look-ups need too. */
const AT_ONCE = 2;
/** About two seconds of work; who comes after that is told to come again rather than kept. */
const MAX_WAITING = 50;

const phc = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]{16,64})\$([A-Za-z0-9+/]{32,128})$/;

export function createPasswords(derive: Scrypt = promisify<string, Buffer, number, ScryptOptions, Buffer>(scrypt)): Passwords {
  const waiting: (() => void)[] = [];
  let running = 0;

  async function work(password: string, salt: Buffer, { ln, r, p }: typeof COST, length: number): Promise<Buffer> {
    if (running >= AT_ONCE) {
      if (waiting.length >= MAX_WAITING) throw new FleetFault('slow-down', 'too many people sign in at once', { retryAfterSec: 5 });
      await new Promise<void>((go) => waiting.push(go));
    } else running += 1;
    try {
      return await derive(password.normalize('NFKC'), salt, length, { N: 2 ** ln, r, p, maxmem: MAX_MEMORY });
    } finally {
      // A place that goes to who waits stays counted.
      const next = waiting.shift();
      if (next) next();
      else running -= 1;
    }
  }

  return {
    async hash(password) {
      const salt = randomBytes(SALT_BYTES);
      const hash = await work(password, salt, COST, HASH_BYTES);
      return `$scrypt$ln=${COST.ln},r=${COST.r},p=${COST.p}$${unpadded(salt)}$${unpadded(hash)}`;
    },
    async verify(password, stored) {
      const [, ln, r, p, salt, hash] = (stored !== null && phc.exec(stored)) || [];
      if (!ln || !r || !p || !salt || !hash) {
        await work(password, randomBytes(SALT_BYTES), COST, HASH_BYTES);
        return false;
      }
      const expected = Buffer.from(hash, 'base64');
      const found = await work(password, Buffer.from(salt, 'base64'), { ln: Number(ln), r: Number(r), p: Number(p) }, expected.length);
      return timingSafeEqual(found, expected);
    },
  };
}

function unpadded(bytes: Buffer): string {
  return bytes.toString('base64').replaceAll('=', '');
}
