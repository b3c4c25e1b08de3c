"""Billing: plans, prices, subscriptions, statements, credits."""

from typing import Literal

from deskclerk.catalogue.action import Action, ReadAction, Resource
from deskclerk.catalogue.fields import Id, Limit, Nullable, Offset, Rfc3339
from deskclerk.catalogue.route import DELETE, DESTRUCTIVE, GET, POST, READ, WRITE, Answers

TOOLSET = "billing"

BILLING_PLANS = Resource(
    "billing-plans",
    "billing plan",
    (
        "id",
        "name",
        "fee",
        "annual_monthly_fee",
        "annual_fee",
        "description",
        "product_id",
        "is_default",
        "is_recurring",
        "publicly_visible",
        "has_base_fee",
        "for_payer_type",
        "slug",
        "avatar_url",
    ),
    object="commerce_plan",
)


class ListBillingPlans(
    ReadAction,
    name="clerk_billing_plans_list",
    resource=BILLING_PLANS,
    route=GET("/billing/plans"),
    effect=READ,
    wrapped=True,
    toolset=TOOLSET,
):
    """List the plans that users or organizations can subscribe to."""

    paginated: bool | None = None
    limit: Limit | None = None
    offset: Offset | None = None
    payer_type: Literal["user", "org"] | None = None


BILLING_PRICES = Resource(
    "billing-prices",
    "billing price",
    (
        "id",
        "plan_id",
        "currency",
        "currency_symbol",
        "amount",
        "annual_monthly_amount",
        "fee",
        "annual_monthly_fee",
        "description",
        "is_default",
        "created_at",
        "supported_billing_periods",
    ),
    object="commerce_price",
)


class ListBillingPrices(
    ReadAction,
    name="clerk_billing_prices_list",
    resource=BILLING_PRICES,
    route=GET("/billing/prices"),
    effect=READ,
    wrapped=True,
    toolset=TOOLSET,
):
    """List the prices of plans, custom ones too."""

    paginated: bool | None = None
    limit: Limit | None = None
    offset: Offset | None = None
    plan_id: str | None = None


class CreateBillingPrice(
    Action,
    name="clerk_billing_price_create",
    resource=BILLING_PRICES,
    route=POST("/billing/prices"),
    effect=DESTRUCTIVE,
    toolset=TOOLSET,
):
    """Make a custom price of a plan; amounts are in the smallest unit, such as cents."""

    plan_id: str
    amount: Nullable[int]
    currency: str | None = None
    annual_monthly_amount: Nullable[int] = None
    description: str | None = None
    supported_billing_periods: Literal["month", "annual", "both"] | None = None


SUBSCRIPTION_ITEMS = Resource(
    "subscription-items",
    "subscription item",
    (
        "id",
        "status",
        "credit",
        "credits",
        "plan_id",
        "price_id",
        "plan",
        "plan_period",
        "payment_method",
        "lifetime_paid",
        "next_payment",
        "payer_id",
        "payer",
        "is_free_trial",
    ),
    object="commerce_subscription_item",
)


class ListSubscriptionItems(
    ReadAction,
    name="clerk_subscription_items_list",
    resource=SUBSCRIPTION_ITEMS,
    route=GET("/billing/subscription_items"),
    effect=READ,
    wrapped=True,
    toolset=TOOLSET,
):
    """List who is subscribed to what."""

    paginated: bool | None = None
    limit: Limit | None = None
    offset: Offset | None = None
    status: Literal["active", "ended", "past_due", "upcoming", "free_trial"] | None = None
    payer_type: Literal["user", "org"] | None = None
    plan_id: str | None = None
    include_free: bool | None = None
    query: str | None = None


class CancelSubscriptionItem(
    Action,
    name="clerk_subscription_item_cancel",
    resource=SUBSCRIPTION_ITEMS,
    route=DELETE("/billing/subscription_items/{subscription_item_id}"),
    effect=DESTRUCTIVE,
    toolset=TOOLSET,
):
    """Cancel a subscription at the end of its period, or at once with end_now."""

    subscription_item_id: Id
    end_now: bool | None = None


class ExtendFreeTrial(
    Action,
    name="clerk_subscription_item_trial_extend",
    called="trial-extend",
    titled="Extend free trial of subscription item",
    resource=SUBSCRIPTION_ITEMS,
    route=POST("/billing/subscription_items/{subscription_item_id}/extend_free_trial"),
    effect=DESTRUCTIVE,
    toolset=TOOLSET,
):
    """Let a free trial end later."""

    subscription_item_id: Id
    extend_to: Rfc3339


class CreatePriceTransition(
    Action,
    name="clerk_subscription_item_price_change",
    resource=SUBSCRIPTION_ITEMS,
    route=POST("/billing/subscription_items/{subscription_item_id}/price_transition"),
    effect=DESTRUCTIVE,
    answers=Answers("commerce_price_transition"),
    toolset=TOOLSET,
):
    """Move a subscription to another price of its plan."""

    subscription_item_id: Id
    from_price_id: str
    to_price_id: str


class ApplyDiscount(
    Action,
    name="clerk_subscription_item_discount_apply",
    titled="Apply discount to subscription item",
    resource=SUBSCRIPTION_ITEMS,
    route=POST("/billing/subscription_items/{subscription_item_id}/discounts"),
    effect=WRITE,
    answers=Answers("commerce_discount_redemption"),
    toolset=TOOLSET,
):
    """Give a subscription a discount."""

    subscription_item_id: Id
    discount_id: str


class RemoveDiscount(
    Action,
    name="clerk_subscription_item_discount_remove",
    titled="Remove discount from subscription item",
    resource=SUBSCRIPTION_ITEMS,
    route=DELETE("/billing/subscription_items/{subscription_item_id}/discounts/{discount_id}"),
    effect=WRITE,
    answers=Answers("commerce_discount_redemption"),
    toolset=TOOLSET,
):
    """Take a discount from a subscription."""

    subscription_item_id: Id
    discount_id: Id


STATEMENTS = Resource(
    "billing-statements",
    "billing statement",
    (
        "id",
        "timestamp",
        "payer",
        "status",
        "totals",
        "groups",
    ),
    object="commerce_statement",
)


class ListStatements(
    ReadAction,
    name="clerk_billing_statements_list",
    resource=STATEMENTS,
    route=GET("/billing/statements"),
    effect=READ,
    wrapped=True,
    toolset=TOOLSET,
):
    """List the billing statements."""

    paginated: bool | None = None
    limit: Limit | None = None
    offset: Offset | None = None


class GetStatement(
    ReadAction,
    name="clerk_billing_statement_get",
    resource=STATEMENTS,
    route=GET("/billing/statements/{statement_id}"),
    effect=READ,
    toolset=TOOLSET,
):
    """Read one billing statement with what is on it."""

    statement_id: Id


PAYMENT_ATTEMPTS = Resource(
    "payment-attempts",
    "payment attempt",
    (
        "id",
        "payment_id",
        "charge_type",
        "payee_id",
        "payee",
        "payer_id",
        "payer",
        "subscription_item_id",
        "subscription_item",
        "amount",
        "totals",
        "payment_method_id",
        "payment_method",
        "statement_id",
    ),
    object="commerce_payment",
)


class ListPaymentAttempts(
    ReadAction,
    name="clerk_billing_payment_attempts_list",
    resource=PAYMENT_ATTEMPTS,
    route=GET("/billing/statements/{statement_id}/payment_attempts"),
    effect=READ,
    wrapped=True,
    toolset=TOOLSET,
):
    """List the attempts to have a statement paid."""

    statement_id: Id
    paginated: bool | None = None
    limit: Limit | None = None
    offset: Offset | None = None


USER_BILLING = Resource(
    "user-billing",
    "user's subscription",
    (
        "id",
        "status",
        "payer_id",
        "created_at",
        "active_at",
        "past_due_at",
        "subscription_items",
        "next_payment",
        "eligible_for_free_trial",
    ),
    object="commerce_subscription",
)


class GetUserSubscription(
    ReadAction,
    name="clerk_user_subscription_get",
    resource=USER_BILLING,
    route=GET("/users/{user_id}/billing/subscription"),
    effect=READ,
    toolset=TOOLSET,
):
    """Read what a user is subscribed to."""

    user_id: Id


USER_CREDITS = Resource("user-credits", "user's credits", ("balance",), object="commerce_credit_balance")


class GetUserCredits(
    ReadAction,
    name="clerk_user_credits_get",
    resource=USER_CREDITS,
    route=GET("/users/{user_id}/billing/credits"),
    effect=READ,
    answers=Answers(keys=("balance",)),
    toolset=TOOLSET,
):
    """Read a user's credit balance."""

    user_id: Id


class AdjustUserCredits(
    Action,
    name="clerk_user_credits_adjust",
    resource=USER_CREDITS,
    route=POST("/users/{user_id}/billing/credits"),
    effect=WRITE,
    answers=Answers(
        keys=(
            "id",
            "payer_id",
            "amount",
        )
    ),
    toolset=TOOLSET,
):
    """Raise or lower a user's credit balance; amounts are in the smallest unit, such as cents."""

    user_id: Id
    amount: int
    action: Literal["increase", "decrease"]
    idempotency_key: str
    currency: str | None = None
    note: str | None = None


ORG_BILLING = Resource(
    "org-billing",
    "organization's subscription",
    (
        "id",
        "status",
        "payer_id",
        "created_at",
        "active_at",
        "past_due_at",
        "subscription_items",
        "next_payment",
        "eligible_for_free_trial",
    ),
    object="commerce_subscription",
)


class GetOrgSubscription(
    ReadAction,
    name="clerk_org_subscription_get",
    resource=ORG_BILLING,
    route=GET("/organizations/{organization_id}/billing/subscription"),
    effect=READ,
    toolset=TOOLSET,
):
    """Read what an organization is subscribed to."""

    organization_id: Id


ORG_CREDITS = Resource(
    "org-credits", "organization's credits", ("balance",), object="commerce_credit_balance"
)


class GetOrgCredits(
    ReadAction,
    name="clerk_org_credits_get",
    resource=ORG_CREDITS,
    route=GET("/organizations/{organization_id}/billing/credits"),
    effect=READ,
    answers=Answers(keys=("balance",)),
    toolset=TOOLSET,
):
    """Read an organization's credit balance."""

    organization_id: Id


class AdjustOrgCredits(
    Action,
    name="clerk_org_credits_adjust",
    resource=ORG_CREDITS,
    route=POST("/organizations/{organization_id}/billing/credits"),
    effect=WRITE,
    answers=Answers(
        keys=(
            "id",
            "payer_id",
            "amount",
        )
    ),
    toolset=TOOLSET,
):
    """Raise or lower an organization's credit balance; amounts are in the smallest unit, such as cents."""

    organization_id: Id
    amount: int
    action: Literal["increase", "decrease"]
    idempotency_key: str
    currency: str | None = None
    note: str | None = None
