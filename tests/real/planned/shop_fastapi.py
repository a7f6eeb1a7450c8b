"""A small FastAPI application: a customer's orders, read from a database and summed up. Served by what `pchsim plan` prints."""

import asyncio

import orders
from fastapi import FastAPI
from pydantic import BaseModel


class Line(BaseModel):
    item: str
    spent: str


class Summary(BaseModel):
    items: list[Line]
    total: int


app = FastAPI()


async def database(n):
    await asyncio.sleep(orders.WAITS[n])
    return orders.rows_of(n)


@app.get("/orders/{n}")
async def summed(n: int) -> Summary:
    return orders.summary(await database(n))
