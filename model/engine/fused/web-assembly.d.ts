/** The part of WebAssembly's interface that is used here: TypeScript knows it only together with the whole of a browser. */
declare namespace WebAssembly {
  class Memory {
    readonly buffer: ArrayBuffer;
    /** Adds so many pages of 64 KiB, or throws a RangeError. Views of the former buffer are empty afterwards. */
    grow(pages: number): number;
  }

  interface Instance {
    readonly exports: Readonly<Record<string, unknown>>;
  }

  function validate(bytes: Uint8Array): boolean;
  function instantiate(bytes: Uint8Array): Promise<{ readonly instance: Instance }>;
}
