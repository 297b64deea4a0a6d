/** A random number generator with a seed (Park and Miller's). */
export function seeded(seed: number): () => number {
  const modulus = 2_147_483_647;
  let state = (Math.abs(Math.trunc(seed)) % (modulus - 1)) + 1;
  return () => (state = (state * 48_271) % modulus) / modulus;
}
