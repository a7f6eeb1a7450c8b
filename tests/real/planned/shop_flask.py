"""A small Flask application: a customer's orders, read from a database and summed up. Served by what `pchsim plan` prints."""

import time

import orders
from flask import Flask

app = Flask(__name__)


def database(n):
    time.sleep(orders.WAITS[n])
    return orders.rows_of(n)


@app.get("/orders/<int:n>")
def summed(n):
    return orders.summary(database(n))
