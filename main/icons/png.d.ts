/** The bundler puts the file beside the bundle, and gives its path from there. */
declare module '*.png' {
  const path: string;
  export default path;
}
