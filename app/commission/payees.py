"""Which legal entity is paid for a share: a store's owner, a clerk's employer, an entity itself (SPL-10)."""

# Of a row with ``party_kind`` and ``party``; NULL for somebody whom the roster does not know.
PAYEE = """
    case party_kind
    when 'ENTITY' then split_part(party, ':', 2)
    when 'STORE' then (select e.code from store st join legal_entity e on e.id = st.entity_id
                        where st.code = split_part(party, ':', 2))
    else (select e.code from clerk c join store st on st.id = c.store_id join legal_entity e on e.id = st.entity_id
           where c.code = split_part(party, ':', 2)) end
"""
