"""The account of docs/backtest.md, sections 3 to 5: what becomes of what a strategy wants.

A part of reference.py. One plain loop over the sessions, in the order and with the words of the rule book.
"""

import math

from rules_market import NAN, Failed, floor, is_price, trunc

NEVER = None


class Terms:
    """Options of the account."""

    def __init__(self):
        self.cash = 10000000.0
        self.fill = "open"
        self.slippage = 0.0            # a fraction
        self.volume = None             # or (limit, impact)
        self.rate = 0.0                # commission, a fraction
        self.each, self.least = 0.0, 0.0
        self.per_order = 0.0
        self.fractional = False
        self.short = False
        self.leverage = 1.0
        self.expire = NEVER
        self.dividends = "ex"


class Order:
    """target: of signals and weights; else `unfilled` is what is left of an amount."""

    def __init__(self, number, asset, t, target=None, unfilled=0.0):
        self.number, self.asset, self.given = number, asset, t
        self.target, self.unfilled = target, unfilled
        self.filled = self.paid = 0.0   # for the commission
        self.is_new = True              # nothing of it has been filled


class Record:
    """What a run leaves for the metrics, and what --trades shows."""

    def __init__(self):
        self.equity = []
        self.trades = self.closings = self.held = 0
        self.traded = self.costs = self.gains = self.losses = 0.0
        self.log = []


def after_split(shares, ratio, fractional):
    """Shares after a split, and the fraction of a share that is left over, both of the position's sign."""
    x = abs(shares) / ratio
    sign = math.copysign(1.0, shares)
    if fractional:
        return sign * x, 0.0
    nearest = floor(x + 0.5)
    if abs(x - nearest) <= 1e-6 * max(1.0, x):
        return sign * nearest, 0.0
    return sign * floor(x), sign * (x - floor(x))


def cut(amount, fractional):
    """To whole shares, as orders of the form decide are."""
    if fractional:
        return amount
    nearest = math.copysign(floor(abs(amount) + 0.5), amount)
    return nearest if abs(amount - nearest) <= 1e-4 else trunc(amount)


class Account:
    def __init__(self, market, strategy, terms):
        self.market, self.assets, self.strategy, self.terms = market, market.assets, strategy, terms
        n = len(self.assets)
        self.cash = terms.cash
        self.shares = [0.0] * n
        self.basis = [0.0] * n          # what a position has cost; negative of a short one
        self.mark = [asset.first_mark for asset in self.assets]
        self.orders = []
        self.owed = [[] for _ in self.assets]   # (session of the payment, money)
        self.decided = set()            # the set of the previous decision
        self.numbers = 0
        self.record = Record()

    def run(self):
        for session in range(self.market.first, self.market.last + 1):
            self.session, self.t = session, session - self.market.first
            self.split()
            to_reinvest = self.pay_dividends()
            if self.terms.fill == "open":
                self.fill("open")
            for a, asset in enumerate(self.assets):
                if asset.has_close(session):
                    self.mark[a] = asset.close[session]
            self.reinvest(to_reinvest)
            if self.terms.fill == "close":
                self.fill("close")
            self.delist()
            self.expire()
            self.value()
            if session < self.market.last:
                getattr(self, "decide_" + self.strategy.form)()
        return self.record

    # ---- 1 and 2 -----------------------------------------------------------------------------------

    def split(self):
        fractional = self.terms.fractional
        for a, asset in enumerate(self.assets):
            for ratio in asset.splits.get(self.session, ()):
                before = self.shares[a]
                if before != 0.0:
                    self.shares[a], fraction = after_split(before, ratio, fractional)
                    self.cash = self.cash + fraction * (self.mark[a] * ratio)
                    self.basis[a] = self.basis[a] * (self.shares[a] / (before / ratio))
                for order in [o for o in self.orders if o.asset == a]:
                    if order.target is not None:
                        order.target, _ = after_split(order.target, ratio, fractional)
                    else:
                        order.unfilled = cut(order.unfilled / ratio, fractional)
                        if order.unfilled == 0.0:
                            self.orders.remove(order)
                self.mark[a] = self.mark[a] * ratio

    def pay_dividends(self):
        to_reinvest = []
        how = self.terms.dividends
        for a, asset in enumerate(self.assets):
            paid = 0.0
            for amount, pay in asset.payouts.get(self.session, ()):
                money = amount * self.shares[a]
                if how in ("ex", "reinvest"):
                    self.cash = self.cash + money
                    paid = paid + money
                elif how == "pay" and pay is not None and money != 0.0:
                    self.owed[a].append((pay, money))
            for pay, money in self.owed[a]:
                if pay == self.session:
                    self.cash = self.cash + money
            if how == "reinvest" and paid > 0.0:
                to_reinvest.append((a, paid))
        return to_reinvest

    def reinvest(self, to_reinvest):
        for a, paid in to_reinvest:
            q = paid / self.mark[a]
            q = q if self.terms.fractional else floor(q)
            if q > 0.0 and self.shares[a] > 0.0:
                self.cash = self.cash - q * self.mark[a]
                self.basis[a] = self.basis[a] + q * self.mark[a]
                self.shares[a] = self.shares[a] + q

    # ---- fills, section 4 --------------------------------------------------------------------------

    def wanted(self, order):
        """What is left to be bought, or sold if negative."""
        return order.unfilled if order.target is None else order.target - self.shares[order.asset]

    def fill(self, column):
        by_asset = sorted(self.orders, key=lambda o: (o.asset, o.number))
        by_asset = [o for o in by_asset if is_price(self.price_of(o, column))]
        dealt = self.deal(by_asset, column)
        sales = [o for o in by_asset if self.wanted(o) < 0.0]
        for order in sales + [o for o in by_asset if o not in sales]:
            if order.number in dealt and self.is_done(order, self.price_of(order, column), *dealt[order.number]):
                self.orders.remove(order)

    def price_of(self, order, column):
        return getattr(self.assets[order.asset], column)[self.session]

    def deal(self, by_asset, column):
        """{number of an order: (how much of it can be filled at this bar, price)}; what is not in it waits."""
        n = len(self.assets)
        dealt, used, sold = {}, [0.0] * n, [0.0] * n
        for order in by_asset:
            a, p = order.asset, self.price_of(order, column)
            self.cut_to_owned(order, self.shares[a] - sold[a])
            wanted = self.wanted(order)
            q, price = self.price_for(a, wanted, used[a], p)
            if wanted == 0.0 or q > 0.0:
                dealt[order.number] = q, price
                used[a] = used[a] + q
                sold[a] = sold[a] + (q if wanted < 0.0 else 0.0)
        return dealt

    def cut_to_owned(self, order, owned):
        if self.wanted(order) < 0.0 and not self.terms.short and -self.wanted(order) > owned:
            order.target, order.unfilled = None, -owned

    def price_for(self, a, wanted, used, p):
        """How much can be filled at this bar, and at what price."""
        sign = math.copysign(1.0, wanted)
        if self.terms.volume is None:
            s = self.terms.slippage
            return abs(wanted), p * (1 + s) if sign > 0 else p * (1 - s)
        limit, impact = self.terms.volume
        volume = self.assets[a].volume[self.session]
        left = limit * volume - used
        if volume == 0.0 or left <= 0.0 or (left < 1.0 and not self.terms.fractional):
            return 0.0, p
        q = min(abs(wanted), left if self.terms.fractional else floor(left))
        share = min((used + q) / volume, limit)
        change = share * share * impact * p
        return q, p + change if sign > 0 else p - change

    def is_done(self, order, p, quantity, price):
        """Fill an order. Whether it has come to its end."""
        wanted = self.wanted(order)
        if wanted == 0.0:
            return True
        in_full = quantity == abs(wanted)
        if wanted < 0.0 and not self.terms.short:
            quantity = min(quantity, self.shares[order.asset])   # but for rounding it is no more
        is_cut = self.trade(order, math.copysign(quantity, wanted), price, p, limited=True)
        if is_cut or in_full:
            return True
        if order.target is None:
            order.unfilled = wanted - math.copysign(quantity, wanted)
        return False

    def trade(self, order, signed, price, p, limited):
        """One trade: first what closes the position, then what opens one. Returns whether it was cut to what can be paid."""
        a, shares = order.asset, self.shares[order.asset]
        closing = min(abs(signed), abs(shares)) if shares * signed < 0.0 else 0.0
        wanted = opening = abs(signed) - closing
        sign = math.copysign(1.0, signed)
        if closing > 0.0:
            self.exchange(order, sign * closing, price, p)
        if opening > 0.0 and limited:
            opening = self.payable(order, sign, opening, price)
        if opening > 0.0:
            self.exchange(order, sign * opening, price, p)
        if closing + opening > 0.0:
            self.record.trades += 1
            self.record.log.append((self.session, self.assets[a].symbol, sign * (closing + opening), price))
        return opening < wanted

    def commission(self, order, quantity, value):
        """The parts, of an order as it stands."""
        parts = self.terms.rate * value
        share_part = 0.0
        if self.terms.each or self.terms.least:
            share_part = max(self.terms.each * (order.filled + quantity), self.terms.least) - order.paid
            parts = parts + share_part
        if order.is_new:
            parts = parts + self.terms.per_order
        return parts, share_part

    def exchange(self, order, signed, price, p):
        a, quantity, before = order.asset, abs(signed), self.shares[order.asset]
        value = quantity * price
        commission, share_part = self.commission(order, quantity, value)
        order.filled, order.paid, order.is_new = order.filled + quantity, order.paid + share_part, False
        record = self.record
        record.traded = record.traded + value
        record.costs = record.costs + commission
        record.costs = record.costs + quantity * abs(price - p)
        if signed > 0.0:
            money = value + commission
            self.cash = self.cash - money
        else:
            money = value - commission
            self.cash = self.cash + money
        if before * signed < 0.0:
            released = self.basis[a] * (quantity / abs(before))
            self.basis[a] = self.basis[a] - released
            gain = (money if signed < 0.0 else -money) - released
            record.closings += 1
            record.gains = record.gains + max(gain, 0.0)
            record.losses = record.losses + max(-gain, 0.0)
        else:
            self.basis[a] = self.basis[a] + (money if signed > 0.0 else -money)
        self.shares[a] = before + signed

    def payable(self, order, sign, quantity, price):
        """What can be paid of an amount that opens or extends a position."""
        L, a, terms = self.terms.leverage, order.asset, self.terms
        if L == math.inf:
            return quantity
        long = short = 0.0
        for shares, mark in zip(self.shares, self.mark):
            if shares > 0.0:
                long = long + abs(shares) * mark
            elif shares < 0.0:
                short = short + abs(shares) * mark
        room = L * self.cash + (L - 1) * long - (L + 1) * short
        mark = self.mark[a]

        def needed(q):
            commission, _ = self.commission(order, q, q * price)
            if sign > 0:
                return L * (q * price + commission) - (L - 1) * q * mark
            return (L + 1) * q * mark - L * (q * price - commission)

        if needed(quantity) <= room:
            return quantity
        once = terms.per_order if order.is_new else 0.0
        fixed_and_each = [(once + (terms.each * order.filled - order.paid), terms.each)]
        if terms.least > 0.0:
            fixed_and_each.append((once + (terms.least - order.paid), 0.0))
        most = math.inf
        for fixed, each in fixed_and_each:
            if sign > 0:
                unit = L * (price + terms.rate * price) - (L - 1) * mark
            else:
                unit = (L + 1) * mark - L * (price - terms.rate * price)
            unit = unit + L * each
            if unit > 0.0:
                q = (room - L * fixed) / unit
                most = min(most, q if terms.fractional else floor(q))
        if most == math.inf:
            return quantity      # nothing is cut
        most = min(most, quantity)
        if most > 0.0 and needed(most) > room:
            most = most - most * 2.0 ** -48 if terms.fractional else most - 1.0
        return max(most, 0.0)

    # ---- 5 to 7 ------------------------------------------------------------------------------------

    def delist(self):
        for a, asset in enumerate(self.assets):
            if asset.delisted != self.session:
                continue
            if self.shares[a] != 0.0:
                p, s = self.mark[a], self.terms.slippage
                price = p * (1 - s) if self.shares[a] > 0.0 else p * (1 + s)
                self.trade(Order(0, a, self.t), -self.shares[a], price, p, limited=False)
            self.orders = [o for o in self.orders if o.asset != a]
            self.decided.discard(a)

    def expire(self):
        if self.terms.expire is not NEVER:
            self.orders = [o for o in self.orders if self.t - o.given < self.terms.expire]

    def value(self):
        total = self.cash
        for shares, mark in zip(self.shares, self.mark):
            if shares != 0.0:
                total = total + shares * mark
        if not is_price(total):
            raise Failed("the equity is %r" % total)
        self.equity = total
        self.record.equity.append(total)
        self.record.held += any(shares != 0.0 for shares in self.shares)

    # ---- 8: decisions, section 5 ---------------------------------------------------------------------

    def order(self, a, **what):
        self.numbers += 1
        self.orders.append(Order(self.numbers, a, self.t, **what))
        return self.numbers

    def replace(self, targets):
        self.orders = []
        for a, target in enumerate(targets):
            if target != self.shares[a]:
                self.order(a, target=target)

    def decide_signals(self):
        signalled = self.strategy.signalled(self.session, self.t)
        if signalled == self.decided and not self.strategy.is_rebalance(self.t):
            return
        targets = [0.0] * len(self.assets)
        for a in signalled:
            target = self.equity / len(signalled) / self.mark[a]
            targets[a] = target if self.terms.fractional else floor(target)
        self.replace(targets)
        self.decided = signalled

    def decide_weights(self):
        row = self.strategy.row(self.session, self.t)
        if row is None:
            return
        total = 0.0
        for a, w in enumerate(row):
            if not math.isfinite(w) or (w < 0.0 and not self.terms.short):
                raise Failed("a weight of %r" % w)
            if w != 0.0 and (math.isnan(self.mark[a]) or self.assets[a].is_delisted(self.session)):
                raise Failed("a weight of what cannot be traded")
            total = total + abs(w)
        if total > self.terms.leverage + 1e-9:
            raise Failed("weights of %r" % total)
        targets = [0.0 if w == 0.0 else self.equity * w / self.mark[a] for a, w in enumerate(row)]
        self.replace(targets if self.terms.fractional else [trunc(x) for x in targets])

    def decide_decide(self):
        self.strategy.decide(View(self))


class View:
    """What a strategy of the form decide sees and does."""

    def __init__(self, account):
        self.account = account
        self.session, self.t = account.session, account.t
        self.equity, self.cash = account.equity, account.cash

    def price(self, a):
        return self.account.mark[a]

    def position(self, a):
        return self.account.shares[a]

    def can_trade(self, a):
        return not math.isnan(self.price(a)) and not self.account.assets[a].is_delisted(self.session)

    def window(self, a, column, k, **how):
        return self.account.assets[a].window(self.session, column, k, **how)

    def find(self, symbol):
        return [asset.symbol for asset in self.account.assets].index(symbol)

    def order(self, a, amount):
        if not math.isfinite(amount) or not self.can_trade(a):
            raise Failed("an order of %r of %s" % (amount, self.account.assets[a].symbol))
        amount = cut(amount, self.account.terms.fractional)
        return self.account.order(a, unfilled=amount) if amount != 0.0 else 0

    def cancel_middle(self):
        orders = self.account.orders
        if orders:
            orders.remove(sorted(orders, key=lambda o: (o.asset, o.number))[len(orders) // 2])

    def order_target(self, a, target):
        return self.order(a, target - self.position(a))

    def order_target_percent(self, a, share):
        return self.order_target(a, self.equity * share / self.price(a))
