"""The fulfilment side: what the marketplace's dispatch and the technicians' app call."""
