-- serves 0008
-- A name that another SDK stored may spell the domain of an address otherwise: with a dot at its end, or beyond ASCII. No account
-- takes the normal form of such a name, so it is folded as Sallyport folds it.

-- The index of the old function is made again with the new one.
drop index cred_unfolded_identifier;

-- What an identifier looks like to people, and which mailbox it is: white space at both ends, compatibility characters and the
-- case of ASCII letters aside, with the domain in ASCII (punycode, RFC 3492 section 6.3). A normal form is its own. The body
-- calls nothing outside pg_catalog, because maintenance of the index sees no other schema.
-- statement
create or replace function sallyport_folded(identifier text) returns text
language plpgsql immutable parallel safe as $$
declare
  folded text := lower(btrim(normalize(identifier, NFKC), E' \t\n\r\f\x0B') collate "C");
  domain text := substring(folded from '[^@]*$');
  labels text[] := '{}';
  label text;
  encoded text;
  codes int[];
  code int;
  basic int;
  handled int;
  least_code int;
  delta int;
  bias int;
  rest int;
  threshold int;
  place int;
begin
  if domain = folded then
    return folded;
  end if;
  folded := left(folded, length(folded) - length(domain));
  -- U+3002 is a dot in domains, and UTS #46 drops what is invisible.
  domain := regexp_replace(domain, '[\u00AD\u034F\u180B-\u180F\u200B\u2060\uFE00-\uFE0F\uFEFF\U000E0100-\U000E01EF]', '', 'g');
  domain := normalize(lower(translate(domain, chr(12290), '.')), NFC);
  if right(domain, 1) = '.' then
    domain := left(domain, -1);
  end if;
  -- No longer text has a normal form, and the numbers below stay small.
  if octet_length(domain) = length(domain) or length(folded || domain) > 254 then
    return folded || domain;
  end if;

  foreach label in array string_to_array(domain, '.') loop
    if octet_length(label) = length(label) then
      labels := labels || label;
      continue;
    end if;
    codes := array(select ascii(c) from string_to_table(label, null) with ordinality as letter(c, n) order by n);
    encoded := regexp_replace(label, '[^\u0001-\u007F]', '', 'g');
    basic := length(encoded);
    encoded := 'xn--' || encoded || case when basic > 0 then '-' else '' end;
    handled := basic;
    least_code := 128;
    delta := 0;
    bias := 72;
    while handled < cardinality(codes) loop
      code := (select min(c) from unnest(codes) c where c >= least_code);
      delta := delta + (code - least_code) * (handled + 1);
      least_code := code;
      foreach code in array codes loop
        if code < least_code then
          delta := delta + 1;
        elsif code = least_code then
          rest := delta;
          place := 36;
          loop
            threshold := least(greatest(place - bias, 1), 26);
            exit when rest < threshold;
            encoded := encoded || substr('abcdefghijklmnopqrstuvwxyz0123456789',
              threshold + (rest - threshold) % (36 - threshold) + 1, 1);
            rest := (rest - threshold) / (36 - threshold);
            place := place + 36;
          end loop;
          encoded := encoded || substr('abcdefghijklmnopqrstuvwxyz0123456789', rest + 1, 1);
          -- Section 6.1: the bias of the next letter.
          delta := delta / case when handled = basic then 700 else 2 end;
          delta := delta + delta / (handled + 1);
          place := 0;
          while delta > 455 loop
            delta := delta / 35;
            place := place + 36;
          end loop;
          bias := place + 36 * delta / (delta + 38);
          delta := 0;
          handled := handled + 1;
        end if;
      end loop;
      delta := delta + 1;
      least_code := least_code + 1;
    end loop;
    labels := labels || encoded;
  end loop;
  return folded || array_to_string(labels, '.');
end $$;

-- statement
create index cred_unfolded_identifier on cred (sallyport_folded(identifier))
  where type = 'password' and status <> 'revoked' and identifier <> sallyport_folded(identifier);
