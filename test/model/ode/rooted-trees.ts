/** Rooted trees, which index the order conditions of Runge–Kutta methods (Hairer, Nørsett, Wanner I, II.2). */
export interface Tree {
  readonly children: readonly Tree[];
  /** γ(τ): the density. */
  readonly gamma: number;
  readonly nodes: number;
  readonly root?: boolean;
}

const byOrder = new Map<number, readonly Tree[]>();

/** All rooted trees of `nodes` nodes: 1, 1, 2, 4, 9, 20, 48, 115, 286 of them. */
export function rootedTrees(nodes: number): readonly Tree[] {
  const known = byOrder.get(nodes);
  if (known) return known;
  const trees = forests(nodes - 1, nodes - 1, Number.POSITIVE_INFINITY).map((children) => grow(children));
  byOrder.set(nodes, trees);
  return trees;
}

function grow(children: readonly Tree[]): Tree {
  const nodes = 1 + children.reduce((sum, child) => sum + child.nodes, 0);
  return { children, nodes, gamma: nodes * children.reduce((product, child) => product * child.gamma, 1) };
}

/** Multisets of trees with `nodes` nodes in all, none larger than `size`, nor after `index` among those of that size. */
function forests(nodes: number, size: number, index: number): Tree[][] {
  if (nodes === 0) return [[]];
  if (size === 0) return [];
  const found: Tree[][] = [...forests(nodes, size - 1, Number.POSITIVE_INFINITY)];
  if (size > nodes) return found;
  rootedTrees(size).forEach((tree, i) => {
    if (i > index) return;
    for (const rest of forests(nodes - size, size, i)) found.push([tree, ...rest]);
  });
  return found;
}
