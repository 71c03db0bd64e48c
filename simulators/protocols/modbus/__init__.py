"""A weighbridge indicator and a barrier as Modbus TCP servers."""
