/** Makes dice that fall the same way for the same seed (Park and Miller's generator). */
export function seeded(seed: number): () => number {
  const modulus = 2_147_483_647;
  let state = (Math.abs(Math.trunc(seed)) % (modulus - 1)) + 1;
  return () => (state = (state * 48_271) % modulus) / modulus;
}
