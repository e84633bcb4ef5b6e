"""Prints products and their prices from the topic in Avro, by the schemas in the registry.

Settings: KAFKA_BROKER, SCHEMA_REGISTRY_URL; KAFKA_TOPIC (product-events.avro), SCHEMA_REGISTRY_USER, SCHEMA_REGISTRY_PASSWORD.
With --once it ends at the end of the topic.
"""
import os
import sys
import uuid

from confluent_kafka import Consumer, KafkaError
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext

topic = os.environ.get("KAFKA_TOPIC", "product-events.avro")
registry = {"url": os.environ["SCHEMA_REGISTRY_URL"]}
if user := os.environ.get("SCHEMA_REGISTRY_USER"):
    registry["basic.auth.user.info"] = f"{user}:{os.environ.get('SCHEMA_REGISTRY_PASSWORD', '')}"
decode = AvroDeserializer(SchemaRegistryClient(registry))

consumer = Consumer({
    "bootstrap.servers": os.environ["KAFKA_BROKER"],
    "group.id": f"python-consumer-{uuid.uuid4()}",  # A group of its own: each start reads all partitions.
    "auto.offset.reset": "earliest",
    "enable.auto.commit": False,  # It keeps nothing, so that each start reads everything.
    "enable.partition.eof": True,
})
found = consumer.list_topics(topic, timeout=30).topics[topic]
if found.error:
    raise SystemExit(f"The topic {topic} cannot be read: {found.error.str()}")
partitions = len(found.partitions)
consumer.subscribe([topic])
versions, names, at_end = {}, {}, set()
while "--once" not in sys.argv or len(at_end) < partitions:
    message = consumer.poll(1)
    if message is None:
        continue
    if message.error():
        if message.error().code() != KafkaError._PARTITION_EOF:
            raise SystemExit(f"Kafka: {message.error()}")
        at_end.add(message.partition())
        continue
    event = decode(message.value(), SerializationContext(topic, MessageField.VALUE))
    product, payload = event["payload"]["id"], event["payload"]
    if event["productVersion"] <= versions.get(product, 0):
        continue  # Each event arrives at least once.
    versions[product] = event["productVersion"]
    names[product] = payload.get("name") or names.get(product, "?")
    if dict(message.headers())["ce_type"] == b"ProductDiscontinued":
        print(f"{product} {names[product]} is discontinued", flush=True)
    elif payload.get("price") is not None:
        print(f"{product} {names[product]} costs {payload['price']}", flush=True)  # An exact Decimal.
consumer.close()
