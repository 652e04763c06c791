/** Set by the bundler. True in the build for end-to-end tests alone; the release build has none of what stands under it. */
declare const __E2E__: boolean;
