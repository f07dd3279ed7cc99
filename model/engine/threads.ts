/** The most threads that training may be told to use: beyond it is a slip of the pen. */
export const MOST_THREADS = 64;
