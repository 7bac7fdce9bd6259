# frozen_string_literal: true

require "json"
require "net/http"
require "tasker"

# Calls the payment service, and turns each of its answers into what the engine should do next.
module PaymentClient
  # The environment variable in which the service is found.
  SERVICE = "PAYMENT_SERVICE_URL"
  LONGEST_CALL = 30.0

  # The card will never pay for this: no other attempt would help.
  class CardDeclined < Tasker::PermanentError; end

  # The service failed. Nothing of Tasker's: any exception is retried by the step's policy.
  class PaymentServiceFailed < StandardError; end

  # Charges a card, once per idempotency key however often it is called. Blocks for at most `timeout` seconds.
  def self.charge(order_id:, card:, amount_cents:, idempotency_key:, timeout: nil)
    uri = URI("#{service}/charges")
    limit = [timeout || LONGEST_CALL, 0.001].max
    # The service runs on this machine, so a proxy that the environment names is not asked.
    answer = Net::HTTP.start(uri.host, uri.port, nil, open_timeout: limit, read_timeout: limit, max_retries: 0) do |http|
      http.post(uri.path, JSON.generate(order_id: order_id, card: card, amount_cents: amount_cents),
                "Content-Type" => "application/json", "Idempotency-Key" => idempotency_key)
    end
    answer.is_a?(Net::HTTPSuccess) ? JSON.parse(answer.body) : raise(error_for(answer))
  end

  def self.service
    ENV.fetch(SERVICE) do
      raise Tasker::RetryableError, "this worker does not know the payment service: set #{SERVICE}"
    end
  end
  private_class_method :service

  def self.error_for(answer)
    said = "the payment service answered #{answer.code}: #{answer.body}"
    case answer.code.to_i
    when 402 then CardDeclined.new(said)
    when 429, 503 then Tasker::RetryableError.new(said, retry_after: answer["Retry-After"]&.[](/\A\d+\z/)&.to_i)
    when 400..499 then Tasker::PermanentError.new(said)
    else PaymentServiceFailed.new(said)
    end
  end
  private_class_method :error_for
end
