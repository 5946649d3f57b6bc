-- webhook_event: an event may be about a subscription's money instead of a booking's; at most one of the two is there.
-- Consumers: the webhook routes and consumer, the sweep of unhandled events, the operators' routes.

ALTER TABLE webhook_event ADD COLUMN subscription_id TEXT CHECK (subscription_id IS NULL OR booking_id IS NULL);
