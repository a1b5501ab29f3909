"""Writing good rows: programmes, their terms, their pools."""

from collections.abc import Iterable
from datetime import timedelta

from billing.actions.import_programmes.reading import Item
from billing.actions.set_terms import RULES
from billing.models import Pool, Programme, ProgrammeTerms


def save(items: Iterable[Item]) -> tuple[int, int, int]:
    """(created, changed, unchanged), counted by programme."""
    created = changed = unchanged = 0
    for item in items:
        programme = Programme.objects.filter(code=item.code).first()
        if programme is None:
            programme = Programme.objects.create(code=item.code, **item.programme)
            _save_terms(programme, item)
            _save_pools(programme, item)
            created += 1
        elif any(
            [_update(programme, item), _save_terms(programme, item), _save_pools(programme, item)]
        ):
            changed += 1
        else:
            unchanged += 1
    return created, changed, unchanged


def _update(programme: Programme, item: Item) -> bool:
    new = {n: v for n, v in item.programme.items() if getattr(programme, n) != v}
    for name, value in new.items():
        setattr(programme, name, value)
    if new:
        programme.save()
    return bool(new)


def _save_terms(programme: Programme, item: Item) -> bool:
    if item.current and not item.has_new_terms:
        return False
    if item.current and item.in_place:
        terms = item.current
        for name, value in item.rules.items():
            setattr(terms, name, value)
        terms.save()
    else:
        version, rules = 1, item.rules
        if item.current:
            version = item.current.version + 1
            # What the file does not speak of stays as it was.
            rules = {name: getattr(item.current, name) for name in RULES} | rules
            last_day = item.rules["valid_from"] - timedelta(days=1)
            # Two versions never hold on one day: the one in use ends first.
            item.current.valid_until = min(item.current.valid_until, last_day)
            item.current.save(update_fields=["valid_until"])
        terms = ProgrammeTerms.objects.create(programme=programme, version=version, **rules)
    terms.holder_regions.set(item.holder_regions)
    terms.provider_regions.set(item.provider_regions)
    return True


def _save_pools(programme: Programme, item: Item) -> bool:
    """Amounts are set; pools that the file does not name stay as they are."""
    present = {(pool.funding_region_id, pool.year): pool for pool in programme.pools.all()}
    new = []
    raised = False
    for (region, year), amount in sorted(item.pools.items()):
        pool = present.get((region, year))
        if pool is None:
            new.append(
                Pool(programme=programme, funding_region_id=region, year=year, amount=amount)
            )
        elif pool.amount != amount:
            Pool.objects.filter(pk=pool.pk).update(amount=amount)
            raised = True
    Pool.objects.bulk_create(new)
    return raised or bool(new)
