import { openTestDatabase } from '../database.ts';

// A run of tests of its own, as far as its database goes: says where its server is, and ends without a word to it.
const { adminUrl } = await openTestDatabase();
console.log(adminUrl);
process.exit(0);
