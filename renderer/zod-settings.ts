import { z } from 'zod';

// Zod would try whether it may compile parsers from text as soon as a schema is made; the pages' policy forbids that and records
// the try. In one chunk with zod (`vite.config.ts`), this is so before any schema is.
z.config({ jitless: true });
