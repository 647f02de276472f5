from bundlepool.optimization.config import OptimizationConfig
from bundlepool.optimization.parallel_optimizer import ParallelOptimizer


class MyStrategy:
    def __init__(self, days, top=1):
        self.days, self.top = days, top

    def decide(self, view, orders):
        if view.t % self.days == 0:
            for asset in range(self.top):
                orders.order_target_percent(asset, 0.5 / self.top)


if __name__ == "__main__":
    config = OptimizationConfig.create_default()
    config.enable_bundle_pooling = True
    config.max_bundle_pool_size = 10

    optimizer = ParallelOptimizer(
        strategy_class=MyStrategy,
        bundle_name="quandl",
        num_workers=3,
        config=config,
    )
    results = optimizer.run_grid_search({"days": [5, 10, 20], "top": [1, 2]})
    assert results.done == 6 and results.failed == 0
    print("done")
