"""The space's logic, without a host: `python3 -m unittest`."""

import unittest

from app import Cells
from archwright import Context, Unsupported
from archwright.testing import check_network, points


class CellsTest(unittest.TestCase):
    def test_points_build_at_every_size(self):
        space = Cells(Cells.Options())
        for point in points(space.decisions(), 200):
            for share in [1.0, 0.5, 0.01]:
                check_network(space.build(point, Context((1, 8, 8), 10, width_share=share, depth_share=share)))

    def test_cells_repeat(self):
        network = Cells(Cells.Options(cells=3)).build((1, 0, 2, 0), Context((1, 8, 8), 10))
        self.assertEqual(sum(node.name.endswith("/sum") for node in network.nodes), 3)

    def test_the_last_node_has_a_score_for_each_class(self):
        network = Cells(Cells.Options()).build((0, 0, 0, 0), Context((1, 8, 8), 7))
        self.assertEqual(network.nodes[-1].attributes["out-features"], 7)

    def test_vectors_are_declined(self):
        with self.assertRaises(Unsupported):
            Cells(Cells.Options()).build((0, 0, 0, 0), Context((16,), 10))


if __name__ == "__main__":
    unittest.main()
