"""A programme office keeps who is related to whom, and who stands under one hand."""

from collections.abc import Collection
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from institutions.history import changed_by
from institutions.models import ControllingGroup, GroupMember, Institution, RelatedParty, User
from institutions.permissions import may_relate
from kernel.constraints import as_refusals
from kernel.refusals import NotAllowed, Refusal, Refused


def relate_parties(
    *, by: User, one: Institution, other: Institution, kind: str, at: datetime
) -> RelatedParty:
    """Vouchers that exclude related parties pay nothing between the two from now on.

    For a programme office whose region one of them is registered in. Raises `NotAllowed`, or
    `Refused` with `one_and_the_same` or `already_related`.
    """
    if not may_relate(by, one, other):
        raise NotAllowed
    if one.pk == other.pk:
        raise Refused(Refusal("one_and_the_same", _("Name two institutions.")))
    a, b = sorted((one, other), key=lambda institution: institution.pk)
    with as_refusals(), transaction.atomic(), changed_by(by):
        return RelatedParty.objects.create(a=a, b=b, kind=kind)


def unrelate_parties(*, by: User, related: RelatedParty, at: datetime) -> None:
    """The two are no longer related; the history keeps that they were. Raises `NotAllowed`."""
    if not may_relate(by, related.a, related.b):
        raise NotAllowed
    with as_refusals(), transaction.atomic(), changed_by(by):
        related.delete()


def form_group(
    *, by: User, name_zh: str, name_en: str, institutions: Collection[Institution], at: datetime
) -> ControllingGroup:
    """Institutions that one hand controls. For a programme office whose region one of them is
    registered in. Raises `NotAllowed`, or `Refused` with `group_of_one` or `already_in_a_group`.
    """
    if not may_relate(by, *institutions):
        raise NotAllowed
    if len({one.pk for one in institutions}) < 2:
        raise Refused(Refusal("group_of_one", _("A group has two members at least.")))
    with as_refusals(), transaction.atomic(), changed_by(by):
        group = ControllingGroup.objects.create(name_zh=name_zh, name_en=name_en)
        for one in institutions:
            GroupMember.objects.create(group=group, institution=one)
    return group


def join_group(
    *, by: User, group: ControllingGroup, institution: Institution, at: datetime
) -> GroupMember:
    """One hand controls it too: yearly caps that count for groups count its use from now on.

    For a programme office whose region it, or a member, is registered in. Raises `NotAllowed`, or
    `Refused` with `already_in_a_group`.
    """
    if not may_relate(by, institution, *_members(group)):
        raise NotAllowed
    with as_refusals(), transaction.atomic(), changed_by(by):
        return GroupMember.objects.create(group=group, institution=institution)


def _members(group: ControllingGroup) -> list[Institution]:
    return list(
        Institution.objects.filter(group_place__group=group).select_related("region").order_by("pk")
    )


def leave_group(*, by: User, member: GroupMember, at: datetime) -> None:
    """The group's yearly caps no longer count it; an empty group is dissolved. For those who may
    let somebody join. Raises `NotAllowed`. Locks the group."""
    if not may_relate(by, *_members(member.group)):
        raise NotAllowed
    with as_refusals(), transaction.atomic(), changed_by(by):
        group = ControllingGroup.objects.select_for_update().get(pk=member.group_id)
        member.delete()
        if not group.members.exists():
            group.delete()
