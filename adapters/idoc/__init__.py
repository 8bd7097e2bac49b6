"""SAP's ORDERS05 as IDoc XML: purchase orders and their changes in, order confirmations out."""
